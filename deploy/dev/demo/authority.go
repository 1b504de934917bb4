package demo

// Hub is rung if an authority must not be named.
const (
	HubName  = "Demonstration hub"
	HubPhone = "020 7946 0999"
)

// Authority is a local authority with an invented contact.
type Authority struct {
	GSS  string // code of the Office for National Statistics
	Name string
	// Office is answered in the Hours, Duty outside of them.
	Office, Hours, Duty string
	// Lead is the name of its invented safeguarding lead, who uploads its file.
	Lead string
	// plans is how many plans are drawn by lot, besides those of the cases.
	plans int
}

// The authorities of the cases.
const (
	camden    = "E09000007"
	cornwall  = "E06000052"
	enfield   = "E09000010"
	hackney   = "E09000012"
	haringey  = "E09000014"
	islington = "E09000019"
)

// Authorities returns the authorities that have plans. The first is the one
// that the identity provider's safeguarding lead works for.
func Authorities() []Authority {
	const hours = "Mon-Fri 09:00-17:00"
	return []Authority{
		{islington, "Islington", "020 7946 0101", hours, "020 7946 0102", "LINDQVIST Grace (Ms)", 110},
		{camden, "Camden", "020 7946 0111", hours, "020 7946 0112", "OYELARAN Simon (Mr)", 60},
		{haringey, "Haringey", "020 7946 0121", "Mon-Thu 08:45-17:00; Fri 08:45-16:30", "020 7946 0122", "DUBOIS Claire (Mrs)", 60},
		{hackney, "Hackney", "020 7946 0131", hours, "020 7946 0132", "RAHMAN Shafiq (Mr)", 50},
		{enfield, "Enfield", "020 7946 0141", hours, "020 7946 0142", "KOSTAS Eleni (Ms)", 30},
		{cornwall, "Cornwall", "0117 496 0101", "Mon-Thu 08:45-17:15; Fri 08:45-16:45", "0117 496 0102", "TREGEAR Jory (Mr)", 20},
	}
}
