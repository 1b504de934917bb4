package policy_test

import (
	"testing"

	"cpis/policy"
)

func BenchmarkDecide(b *testing.B) {
	e := mustNew(b)
	nurse := policy.Request{
		Roles: policy.RolesOf(policy.ClinicianUnscheduled), Class: policy.AcuteTrust,
		Action: policy.LookUp, Assurance: 2,
	}
	refused := nurse
	refused.Action = policy.ExportLog
	for name, r := range map[string]policy.Request{"Allowed": nurse, "Refused": refused} {
		b.Run("First"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.DecideAfresh(r)
			}
		})
	}
	b.Run("Remembered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.Decide(nurse)
		}
	})
	b.Run("RememberedParallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				e.Decide(nurse)
			}
		})
	})
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		mustNew(b)
	}
}
