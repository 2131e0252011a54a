// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	clients      = 8
	operations   = 40 // of each client in a history
	instances    = 2
	answerWithin = 60 * time.Second
)

type client struct {
	number int
	chance *rand.Rand
	http   *http.Client
	base   string // of the history's own service
	token  string
	prefix string // of idempotency keys
	made   int
	seen   map[string]int // the version it knows of each instance: what its conditions expect
}

func record(address, token string, seed int64) ([]porcupine.Operation, error) {
	started := time.Now()
	var mutex sync.Mutex
	var history []porcupine.Operation
	var failure error
	var all sync.WaitGroup
	for number := 0; number < clients; number++ {
		one := &client{number: number, chance: rand.New(rand.NewSource(seed*1000 + int64(number))),
			http:   &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}},
			base:   fmt.Sprintf("http://%s/v1/services/h%d-%d/instances/", address, seed, started.UnixNano()),
			token:  token,
			prefix: fmt.Sprintf("%d-%d-%d", seed, started.UnixNano(), number),
			seen:   map[string]int{}}
		all.Add(1)
		go func() {
			defer all.Done()
			defer one.http.CloseIdleConnections()
			for i := 0; i < operations; i++ {
				in := one.next()
				begun := time.Since(started).Nanoseconds()
				out, err := one.ask(in)
				ended := time.Since(started).Nanoseconds()
				mutex.Lock()
				if err != nil {
					failure = err
				} else {
					history = append(history, porcupine.Operation{ClientId: one.number, Input: in, Call: begun,
						Output: out, Return: ended})
				}
				mutex.Unlock()
				if err != nil {
					return
				}
			}
		}()
	}
	all.Wait()
	return history, failure
}

func (c *client) next() asked {
	c.made++
	in := asked{instance: fmt.Sprintf("i%d", c.chance.Intn(instances))}
	switch roll := c.chance.Intn(100); {
	case roll < 35:
		return in
	case roll < 60:
		in.what = register
	case roll < 85:
		in.what = update
	default:
		in.what = deregister
	}
	if in.what != deregister {
		in.value = fmt.Sprintf("%d.%d", c.number, c.made)
	}
	switch roll := c.chance.Intn(100); {
	case roll < 45:
		in.when, in.version = ifVersion, c.seen[in.instance]
	case roll < 60:
		in.when = ifPresent
	case roll < 75 && in.what == register:
		in.when = ifAbsent
	}
	return in
}

// Asks until there is an answer. Now and then it hangs up early and asks again with the same key: a command
// happens once, so that all of it counts as one operation.
func (c *client) ask(in asked) (answered, error) {
	key := fmt.Sprintf("%s-%d", c.prefix, c.made)
	if in.what != get && c.chance.Intn(8) == 0 {
		patience := time.Duration(c.chance.Intn(2000)) * time.Microsecond
		if out, err := c.askWithin(patience, in, key); err == nil {
			return out, nil
		}
	}
	return c.askWithin(answerWithin, in, key)
}

func (c *client) askWithin(patience time.Duration, in asked, key string) (answered, error) {
	limit, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := c.request(limit, in, key)
	if err != nil {
		return answered{}, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answered{}, err
	}
	return c.read(in, response, body)
}

func (c *client) request(limit context.Context, in asked, key string) (*http.Request, error) {
	method := map[verb]string{get: "GET", register: "PUT", update: "PATCH", deregister: "DELETE"}[in.what]
	var body io.Reader
	switch in.what {
	case register:
		body = bytes.NewBufferString(fmt.Sprintf(`{"address":"10.0.0.1","port":80,"version":"%s"}`, in.value))
	case update:
		body = bytes.NewBufferString(fmt.Sprintf(`{"version":"%s"}`, in.value))
	}
	request, err := http.NewRequestWithContext(limit, method, c.base+in.instance, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	if in.what != get {
		request.Header.Set("Idempotency-Key", key)
	}
	switch in.when {
	case ifVersion:
		request.Header.Set("If-Match", fmt.Sprintf("%q", strconv.Itoa(in.version)))
	case ifAbsent:
		request.Header.Set("If-None-Match", "*")
	case ifPresent:
		request.Header.Set("If-Match", "*")
	}
	return request, nil
}

func (c *client) read(in asked, response *http.Response, body []byte) (answered, error) {
	var told struct {
		Code    string
		Actual  int `json:"actual_version"`
		Version string
		Events  []struct {
			Version int `json:"stream_version"`
		}
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return answered{}, fmt.Errorf("%d %q: %w", response.StatusCode, body, err)
	}
	out := answered{created: response.StatusCode == 201}
	switch {
	case response.StatusCode == 412 && told.Code == "precondition_failed":
		out.how, out.version = conditionFailed, told.Actual
	case response.StatusCode == 404 && told.Code == "instance_unknown":
		out.how = nothingThere
		return out, nil
	case response.StatusCode != 200 && response.StatusCode != 201:
		return out, fmt.Errorf("%+v: %d %s", in, response.StatusCode, body)
	case len(told.Events) > 0: // a repetition has no ETag
		out.version = told.Events[0].Version
	default:
		version, err := strconv.Atoi(strings.Trim(response.Header.Get("ETag"), `"`))
		if err != nil {
			return out, fmt.Errorf("%+v: no version: %s", in, body)
		}
		out.version = version
	}
	if in.what == get {
		out.value = told.Version
	}
	if out.version > 0 {
		c.seen[in.instance] = out.version
	}
	return out, nil
}
