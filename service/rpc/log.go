package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/auditlog"
)

// logHandler is LogService.
type logHandler struct{ uses Proofs }

func (h *logHandler) GetCheckpoint(ctx context.Context, m *cpisv1.GetCheckpointRequest) (*cpisv1.GetCheckpointResponse, error) {
	return relay(ctx, m, checkpointFromProto, h.uses.Checkpoint, checkpointToProto)
}

func (h *logHandler) GetInclusionProof(ctx context.Context, m *cpisv1.GetInclusionProofRequest) (*cpisv1.GetInclusionProofResponse, error) {
	return relay(ctx, m, proofFromProto, h.uses.InclusionProof, proofToProto)
}

func (h *logHandler) GetConsistencyProof(ctx context.Context, m *cpisv1.GetConsistencyProofRequest) (*cpisv1.GetConsistencyProofResponse, error) {
	return relay(ctx, m, consistencyFromProto, h.uses.ConsistencyProof, consistencyToProto)
}

func checkpointFromProto(m *cpisv1.GetCheckpointRequest, _ string) *auditlog.CheckpointRequest {
	return &auditlog.CheckpointRequest{Log: m.GetLog()}
}

func checkpointToProto(c *auditlog.SignedCheckpoint) *cpisv1.GetCheckpointResponse {
	return &cpisv1.GetCheckpointResponse{Checkpoint: string(c.Note)}
}

func proofFromProto(m *cpisv1.GetInclusionProofRequest, _ string) *auditlog.ProofRequest {
	return &auditlog.ProofRequest{Log: m.GetLog(), Index: m.GetIndex()}
}

func proofToProto(p *auditlog.Proof) *cpisv1.GetInclusionProofResponse {
	return &cpisv1.GetInclusionProofResponse{Proof: string(p.Text), Hashes: hashesToProto(p.Hashes), LeafHash: p.Leaf[:]}
}

func consistencyFromProto(m *cpisv1.GetConsistencyProofRequest, _ string) *auditlog.ConsistencyRequest {
	return &auditlog.ConsistencyRequest{Log: m.GetLog(), Size: m.GetSize()}
}

func consistencyToProto(p *auditlog.Consistency) *cpisv1.GetConsistencyProofResponse {
	return &cpisv1.GetConsistencyProofResponse{Checkpoint: string(p.Note), Hashes: hashesToProto(p.Hashes)}
}

func hashesToProto[H ~[32]byte](hashes []H) [][]byte {
	all := make([][]byte, len(hashes))
	for i := range hashes {
		all[i] = hashes[i][:]
	}
	return all
}
