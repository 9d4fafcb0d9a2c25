package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	mark  = `"sent":"`
	pause = 100 * time.Millisecond
)

// watch opens as many watches as there are watchers, each on a connection of its own, and changes one object again and
// again. What is told is the time from when a change is sent until a watcher has read it: its durable write included.
func watch() (any, error) {
	watched := collection("configmaps")
	changer, err := newClient(1)
	if err != nil {
		return nil, err
	}
	body := []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"watched"},"data":{"sent":"0"}}`)
	if _, err := ask(changer, http.MethodPost, watched, body); err != nil {
		return nil, err
	}
	var all []time.Duration
	var lock sync.Mutex
	var reading, opened sync.WaitGroup
	failures := make(chan error, *watchers)
	for range *watchers {
		opened.Add(1)
		reading.Go(func() {
			mine, err := follow(opened.Done)
			if err != nil {
				failures <- err
			}
			lock.Lock()
			all = append(all, mine...)
			lock.Unlock()
		})
		time.Sleep(time.Millisecond) // or handshakes are all there is for a while
	}
	opened.Wait()
	if len(failures) > 0 {
		return nil, <-failures
	}
	for range *changes {
		patch := fmt.Appendf(nil, `{"data":{"sent":"%d"}}`, time.Now().UnixNano())
		if _, err := ask(changer, http.MethodPatch, watched+"/watched", patch); err != nil {
			return nil, err
		}
		time.Sleep(pause)
	}
	reading.Wait()
	if len(failures) > 0 {
		return nil, <-failures
	}
	_, err = ask(changer, http.MethodDelete, watched+"/watched", nil)
	return figures{P50: quantile(all, 0.5), P99: quantile(all, 0.99)}, err
}

// follow reads a watch until it has seen every change; it says when the first event, of the object as it was, is there.
func follow(opened func()) (lags []time.Duration, err error) {
	open := sync.OnceFunc(opened)
	defer open()
	client, err := newClient(1)
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	answer, err := client.Get(*url + collection("configmaps") + "?watch=1&fieldSelector=metadata.name%3Dwatched")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("a watch was answered %s", answer.Status)
	}
	lines := bufio.NewReaderSize(answer.Body, 1<<14)
	for len(lags) < *changes {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("a watch ended: %w", err)
		}
		now := time.Now().UnixNano()
		_, rest, found := bytes.Cut(line, []byte(mark))
		text, _, _ := bytes.Cut(rest, []byte(`"`))
		sent, err := strconv.ParseInt(string(text), 10, 64)
		switch {
		case !found || err != nil:
			return nil, fmt.Errorf("a watch said %s", line)
		case sent == 0:
			open()
		default:
			lags = append(lags, time.Duration(now-sent))
		}
	}
	return lags, nil
}
