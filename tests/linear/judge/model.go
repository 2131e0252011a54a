// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

type verb int

const (
	get verb = iota
	register
	update
	deregister
)

// What a command makes its success depend on.
type condition int

const (
	always condition = iota
	ifVersion
	ifAbsent
	ifPresent
)

type asked struct {
	instance string
	what     verb
	value    string // register and update: the version text, unique in a history
	when     condition
	version  int // ifVersion
}

type outcome int

const (
	done outcome = iota
	nothingThere
	conditionFailed
)

type answered struct {
	how     outcome
	version int    // of the stream, where it is told; conditionFailed by ifVersion: the actual one
	value   string // get
	created bool   // register
}

// One instance: a register with a version that every change counts up, deletions too.
type instance struct {
	present bool
	version int
	value   string
}

// The promised answer to a command, and the instance after it.
func (now instance) obey(in asked) (answered, instance) {
	if in.what == get {
		if !now.present {
			return answered{how: nothingThere}, now
		}
		return answered{version: now.version, value: now.value}, now
	}
	switch {
	case in.when == ifAbsent && now.present, in.when == ifPresent && !now.present:
		return answered{how: conditionFailed}, now
	case in.when == ifVersion && in.version != now.version:
		return answered{how: conditionFailed, version: now.version}, now
	case in.what != register && !now.present:
		return answered{how: nothingThere}, now
	case in.what == deregister:
		return answered{version: now.version + 1}, instance{version: now.version + 1}
	}
	after := instance{present: true, version: now.version + 1, value: in.value}
	if now.present && now.value == in.value {
		after = now
	}
	return answered{version: after.version, created: in.what == register && !now.present}, after
}

var instanceModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byInstance := map[string][]porcupine.Operation{}
		for _, one := range history {
			name := one.Input.(asked).instance
			byInstance[name] = append(byInstance[name], one)
		}
		parts := [][]porcupine.Operation{}
		for _, part := range byInstance {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() interface{} { return instance{} },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		promised, after := state.(instance).obey(input.(asked))
		return promised == output.(answered), after
	},
	DescribeOperation: func(input, output interface{}) string {
		return fmt.Sprintf("%+v -> %+v", input, output)
	},
}
