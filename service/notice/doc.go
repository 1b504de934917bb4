// Package notice is what authorities are told: notices of what happens to people
// with their plans. Acts make them with Tell; authorities read them in the inbox
// and as a stream, and say what they did. Care settings report here that
// somebody was not brought to an appointment, or was the wrong patient.
//
// Sending notices on is package deliver.
package notice
