// Package service holds the use cases: look-ups, plans, uploads, and the log
// that stands behind them. It knows neither HTTP nor Connect, neither SQL nor
// Vault; every face of the program calls the same methods, so authorisation
// and the log cannot differ between them.
//
// Three promises are kept here and nowhere else: no answer leaves before its
// entry is durably in the log, no error reads as "no flag", and no identifier
// reaches the log or the database in the clear.
package service
