#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ops/dev flame: how samples become a tree, and a tree a picture. Nothing is sampled here."""

from __future__ import annotations

import sys
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import flame  # noqa: E402

SCRIPT = """\
fasti  4711
\tffffffff8a01 __x64_sys_sendto ([kernel.kallsyms])
\t    55d0 fasti::http::server::parts::flush(fasti::http::session&) (/opt/fasti)
\t    55d1 main (/opt/fasti)

decide  4712
\t    55d2 std::vector<std::pair<int, long> >::push_back(int const&)+0x1f (/opt/fasti)
\t       0 [unknown] (/usr/lib/libcrypto.so.3)
\t    55d3 (anonymous namespace)::run (/opt/fasti)

fasti  4711
\t    55d4 fasti::http::server::parts::flush(fasti::http::session&) (/opt/fasti)
\t    55d1 main (/opt/fasti)
"""


def names_of(svg: str) -> dict[str, str]:
    """Each box's name and share, as shown when pointed at."""
    titles = [one.text or "" for one in xml.fromstring(svg).iter("{http://www.w3.org/2000/svg}title")]
    return dict(title.rsplit(": ", 1) for title in titles)


class Flame(unittest.TestCase):
    def test_samples_of_a_thread_share_their_outer_frames(self):
        root = flame.folded(SCRIPT)
        self.assertEqual(root.samples, 3)
        self.assertEqual(sorted(root.above), ["decide", "fasti"])
        flush = root.above["fasti"].above["main"].above["http::server::parts::flush"]
        self.assertEqual(flush.samples, 2)
        self.assertEqual([(name, one.samples) for name, one in flush.above.items()], [("__x64_sys_sendto", 1)])

    def test_frames_are_named_without_arguments_and_templates(self):
        at = flame.folded(SCRIPT).above["decide"]
        chain = []
        while at.above:
            (name, at), = at.above.items()
            chain.append(name)
        self.assertEqual(chain, ["run", "[libcrypto.so.3]", "std::vector::push_back"])

    def test_a_picture_has_a_box_for_each_share_that_can_be_seen(self):
        root = flame.folded(SCRIPT)
        root.above["decide"].above["rare <&>"] = flame.box(1)
        root.samples = 10_000
        root.above["fasti"].samples = 9_999
        shown = names_of(flame.svg(root, "a title with <signs> & more"))
        self.assertEqual(shown["all"], "100.0 %")
        self.assertEqual(shown["fasti"], "100.0 %")
        self.assertNotIn("decide", shown, "a share of one in ten thousand cannot be seen")


if __name__ == "__main__":
    unittest.main()
