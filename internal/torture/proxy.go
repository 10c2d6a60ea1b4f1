package main

import (
	"context"
	"net"
	"sync"
	"time"
)

// proxy stands between the processes and the database server, and is the
// network that fails.
type proxy struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	target  string
	weather weather
	changed chan struct{} // closed when the weather changes
	wires   map[*wire]struct{}
	closed  bool
}

// weather is how the network is just now. The zero value is fair.
type weather struct {
	delay   time.Duration // of everything that is sent, in each direction
	silent  bool          // connections stand, and nothing arrives
	refused bool          // nobody is let in
	torn    bool          // of what is sent next half arrives, and then the connection is reset
}

// wire is one connection through the proxy.
type wire struct {
	near, far *net.TCPConn
	once      sync.Once
	gone      chan struct{}
}

func newProxy(target string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: target, changed: make(chan struct{}), wires: map[*wire]struct{}{}}
	p.wg.Go(p.accept)
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// turn changes the weather, for connections that stand, too.
func (p *proxy) turn(w weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.weather = w
	close(p.changed)
	p.changed = make(chan struct{})
}

// point sends connections to another server from now on. Those that stand stay.
func (p *proxy) point(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// cut resets every connection that stands, and says how many there were.
func (p *proxy) cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.wires {
		w.reset()
	}
	return len(p.wires)
}

// close ends all connections and waits for what serves them.
func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.listener.Close()
	p.cut()
	p.wg.Wait()
}

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return // it was closed
		}
		p.wg.Go(func() { p.serve(near.(*net.TCPConn)) })
	}
}

func (p *proxy) serve(near *net.TCPConn) {
	w := &wire{near: near, gone: make(chan struct{})}
	now, _ := p.look()
	if now.refused {
		w.reset()
		return
	}
	far, err := net.DialTimeout("tcp", p.at(), 5*time.Second)
	if err != nil {
		w.reset() // the server is away, and so it seems through us
		return
	}
	w.far = far.(*net.TCPConn)
	if !p.enter(w) {
		w.reset()
		return
	}
	defer p.leave(w)
	p.wg.Go(func() { p.carry(w, w.far, w.near) })
	p.carry(w, w.near, w.far)
}

func (p *proxy) at() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

func (p *proxy) look() (weather, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather, p.changed
}

func (p *proxy) enter(w *wire) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.wires[w] = struct{}{}
	return true
}

func (p *proxy) leave(w *wire) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.wires, w)
}

// carry carries one direction until either end is gone.
func (p *proxy) carry(w *wire, from, to *net.TCPConn) {
	defer w.end()
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			now := p.weathered(w)
			if now.torn {
				_, _ = to.Write(buffer[:n/2])
				w.reset()
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// weathered holds up what is to be sent as the weather wants it.
func (p *proxy) weathered(w *wire) weather {
	now, changed := p.look()
	if now.delay > 0 {
		select {
		case <-time.After(now.delay):
		case <-w.gone:
		}
	}
	for now.silent {
		select {
		case <-changed:
			now, changed = p.look()
		case <-w.gone:
			return now
		}
	}
	return now
}

func (w *wire) end() {
	w.once.Do(func() {
		close(w.gone)
		_ = w.near.Close()
		if w.far != nil {
			_ = w.far.Close()
		}
	})
}

// reset ends both sides as a network does that lost its mind: without a word of
// the protocol, and with whatever was under way.
func (w *wire) reset() {
	_ = w.near.SetLinger(0)
	if w.far != nil {
		_ = w.far.SetLinger(0)
	}
	w.end()
}

// during turns the weather for a while.
func (p *proxy) during(ctx context.Context, w weather, d time.Duration) {
	p.turn(w)
	defer p.turn(weather{})
	_ = wait(ctx, d)
}
