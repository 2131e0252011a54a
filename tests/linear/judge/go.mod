// SPDX-License-Identifier: Apache-2.0
module fasti/tests/linear/judge

go 1.19

require github.com/anishathalye/porcupine v1.3.1
