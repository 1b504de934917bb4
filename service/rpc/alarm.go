package rpc

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes exactly. Timers of the runtime come up to a millisecond late when
// nothing else happens, by the part of a millisecond that the wait has beyond
// whole ones: when an answer left would then tell when it was ready.
type alarm struct {
	timer *os.File // a timer of the kernel, on which a read waits as on a socket
	fd    int      // of timer, whose own method would make reads block threads
}

// alarms are those that nobody waits for. Who is collected is closed.
var alarms = sync.Pool{New: func() any {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return (*alarm)(nil)
	}
	return &alarm{os.NewFile(uintptr(fd), "alarm"), fd}
}}

// sleep waits for as long as left says.
func sleep(left time.Duration) {
	a, _ := alarms.Get().(*alarm)
	if a == nil || !a.sleep(left) { // too many files are open
		time.Sleep(left)
		return
	}
	alarms.Put(a)
}

// sleep reports whether it could.
func (a *alarm) sleep(left time.Duration) bool {
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(left.Nanoseconds())}
	if unix.TimerfdSettime(a.fd, 0, &at, nil) != nil {
		return false
	}
	var times [8]byte // how often it went off
	_, err := a.timer.Read(times[:])
	return err == nil
}
