#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One fuzz target, called by ops/dev fuzz. New inputs gather in the build folder; the seeds in tests/fuzz/corpus are only
# read. What was reached before is kept in one archive a target under tests/fuzz/kept.
#   target.sh run TARGET SECONDS    goes on from the kept inputs; findings in build/fuzz/found
#   target.sh keep TARGET           keeps the fewest inputs that reach what all in build/fuzz/corpus/TARGET reach
set -euo pipefail
cd "$(dirname "$0")/../.."

command=${1:?run or keep} target=${2:?the name of a target}
binary=build/fuzz/bin/$target corpus=build/fuzz/corpus/$target seeds=tests/fuzz/corpus/$target
archive=tests/fuzz/kept/$target.tar.gz log=build/fuzz/$target.log
mkdir -p "$corpus" "$seeds" build/fuzz/found

case $command in
    run)
        if [ -f "$archive" ]; then tar -xzf "$archive" -C "$corpus" --skip-old-files; fi
        printf '%s: %s s\n' "$target" "${3:?seconds}" >&2
        if "$binary" -max_total_time="$3" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
            -artifact_prefix="build/fuzz/found/$target-" "$corpus" "$seeds" >"$log" 2>&1 </dev/null; then
            grep -E 'stat::number_of_executed_units' "$log" >&2 || true
        else
            tail -n 40 "$log" >&2
            exit 1
        fi
        ;;
    keep)
        few=$(mktemp -d)
        trap 'rm -rf "$few"' EXIT
        "$binary" -set_cover_merge=1 "$few" "$corpus" "$seeds" >"$log" 2>&1 </dev/null
        mkdir -p tests/fuzz/kept
        # The same inputs make the same bytes, whoever packs them and when.
        tar -cf - -C "$few" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0644 . | gzip -9n >"$archive"
        printf '%s: %s inputs kept\n' "$target" "$(find "$few" -type f | wc -l)" >&2
        ;;
    *)
        printf 'target.sh: run or keep, not %s\n' "$command" >&2
        exit 2
        ;;
esac
