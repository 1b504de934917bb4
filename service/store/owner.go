package store

// OwnedBy reports whether the plan is an authority's.
func (l *PlanRow) OwnedBy(authority string) bool { return l.Authority == authority }

// OwnedBy reports whether the notice was made for an authority.
func (n *NoticeRow) OwnedBy(authority string) bool { return n.Authority == authority }

// OwnedBy reports whether an authority made the proposal.
func (r *ProposalRow) OwnedBy(authority string) bool { return r.Authority == authority }

// OwnedBy reports whether an authority sent the file.
func (u *UploadRow) OwnedBy(authority string) bool { return u.Authority == authority }

// OwnedBy reports whether notices of an authority go through the channel.
func (c *ChannelRow) OwnedBy(authority string) bool { return c.Authority == authority }

// OwnedBy reports whether an authority takes part in the transfer, on either side.
func (t *TransferRow) OwnedBy(authority string) bool {
	return t.Sender == authority || t.Receiver == authority
}
