package service

import (
	"reflect"
	"time"

	"cpis/service/deliver"
)

// Observer is told of events that an operator counts. Its functions must be
// quick, and are told nothing about anybody; those that are nil are not called.
type Observer struct {
	Group      func(size int, took time.Duration)      // a group was committed
	Refused    func()                                  // a look-up, change or upload was refused by overload
	Damaged    func(table string)                      // something stored does not verify: wake somebody
	Tampered   func(err error)                         // the log is not as it was signed, and how; told beside Damaged
	Unrecorded func(err error)                         // the log could not be written: wake somebody
	Signed     func(size int64, at time.Time)          // the checkpoint covers all entries, that many
	Unsigned   func(err error)                         // a checkpoint could not be made
	Scrubbed   func(entries int64, whole bool)         // so many old entries were read again; whole if the round was over
	Sent       func(kind deliver.ChannelKind, ok bool) // a notice was delivered, or could not be this time
	Round      func(name string, err error)            // something that the service does by itself was done, or failed
}

// withDefaults fills in functions that do nothing.
func (o Observer) withDefaults() Observer {
	all := Observer{
		Group: func(int, time.Duration) {}, Refused: func() {}, Damaged: func(string) {}, Unrecorded: func(error) {},
		Tampered: func(error) {}, Scrubbed: func(int64, bool) {},
		Signed: func(int64, time.Time) {}, Unsigned: func(error) {}, Sent: func(deliver.ChannelKind, bool) {},
		Round: func(string, error) {},
	}
	given, filled := reflect.ValueOf(o), reflect.ValueOf(&all).Elem()
	for i := range filled.NumField() {
		if !given.Field(i).IsNil() {
			filled.Field(i).Set(given.Field(i))
		}
	}
	return all
}
