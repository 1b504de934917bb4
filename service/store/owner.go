package store

// OwnedBy says whether the plan is an authority's.
func (r *PlanRow) OwnedBy(authority string) bool { return r.Authority == authority }

// OwnedBy says whether the notice was made for an authority.
func (r *NoticeRow) OwnedBy(authority string) bool { return r.Authority == authority }

// OwnedBy says whether an authority made the proposal.
func (r *ProposalRow) OwnedBy(authority string) bool { return r.Authority == authority }

// OwnedBy says whether an authority sent the file.
func (r *UploadRow) OwnedBy(authority string) bool { return r.Authority == authority }

// OwnedBy says whether notices of an authority go through the channel.
func (r *ChannelRow) OwnedBy(authority string) bool { return r.Authority == authority }

// OwnedBy says whether an authority takes part in the transfer, on either side.
func (r *TransferRow) OwnedBy(authority string) bool {
	return r.Sender == authority || r.Receiver == authority
}
