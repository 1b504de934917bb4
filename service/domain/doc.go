// Package domain holds the words of child protection: people and plans, NHS
// numbers, days and office hours, settings and contacts, and how texts from
// outside become them. It knows no database, no keys and no caller.
package domain
