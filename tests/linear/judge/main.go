// SPDX-License-Identifier: Apache-2.0

// Records what concurrent clients of a running server did and saw, history by history, and lets Porcupine judge
// whether a single copy of each instance, changed by one command at a time, could have answered so.
//
//	judge -address 127.0.0.1:8400 -token ... [-histories 20] [-seed 1] [-keep folder]
//
// The last line is "accepted A rejected R unknown U". Histories that are not accepted are drawn into -keep.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anishathalye/porcupine"
)

const judgeFor = 20 * time.Second

func main() {
	address := flag.String("address", "", "host and port of the server")
	token := flag.String("token", "", "what goes into the Authorization header")
	histories := flag.Int("histories", 20, "how many")
	seed := flag.Int64("seed", 1, "of the first one")
	keep := flag.String("keep", "", "folder for drawings of what was not accepted")
	flag.Parse()

	counts := map[porcupine.CheckResult]int{}
	operations := 0
	for i := int64(0); i < int64(*histories); i++ {
		history, err := record(*address, *token, *seed+i)
		if err != nil {
			fmt.Fprintf(os.Stderr, "history %d could not be recorded: %v\n", *seed+i, err)
			os.Exit(2)
		}
		operations += len(history)
		result, info := porcupine.CheckOperationsVerbose(instanceModel, history, judgeFor)
		counts[result]++
		if result != porcupine.Ok {
			fmt.Printf("history %d: %s\n", *seed+i, result)
			if *keep != "" {
				drawing := filepath.Join(*keep, fmt.Sprintf("history-%d.html", *seed+i))
				if err := porcupine.VisualizePath(instanceModel, info, drawing); err != nil {
					fmt.Fprintln(os.Stderr, err)
				}
			}
		}
	}
	fmt.Printf("%d operations\n", operations)
	fmt.Printf("accepted %d rejected %d unknown %d\n", counts[porcupine.Ok], counts[porcupine.Illegal],
		counts[porcupine.Unknown])
}
