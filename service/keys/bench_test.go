package keys_test

import (
	"fmt"
	"runtime"
	"testing"

	"cpis/service/keys"
)

func BenchmarkTag(b *testing.B) {
	ring := openIndex(b, keys.Plain{Owner: "index/1", Key: [32]byte{1}})
	b.ReportAllocs()
	b.Run("Alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ring.Tag("9990000018")
		}
	})
	b.Run("Parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				ring.Tag("9990000018")
			}
		})
	})
}

func BenchmarkHash(b *testing.B) {
	ring := openIndex(b, keys.Plain{Owner: "index/1", Key: [32]byte{1}})
	b.ReportAllocs()
	for b.Loop() {
		ring.Hash("encounter", "RXX", "6f1c6a7e-3f0e-4b43-a0a1-1f6d0e0a4f51")
	}
}

func BenchmarkSeal(b *testing.B) {
	key := openDataKey(b, [32]byte{1})
	plaintext := make([]byte, 300)
	b.ReportAllocs()
	for b.Loop() {
		key.Seal(plaintext, here)
	}
}

func BenchmarkOpen(b *testing.B) {
	key := openDataKey(b, [32]byte{1})
	sealed := key.Seal(make([]byte, 300), here)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := key.Open(sealed, here); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCached(b *testing.B) {
	f := newFixture(b, keys.RingConfig{})
	owners := make([]string, 1500)
	for i := range owners {
		owners[i] = fmt.Sprintf("person/0192f3c1-7a00-7000-8000-%012d", i)
	}
	f.Unwrap(b.Context(), f.MustNew(b, owners...))
	b.Run("Alone", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			f.Cached(owners[i%len(owners)])
			i++
		}
	})
	b.Run("Parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			i := 0
			for pb.Next() {
				f.Cached(owners[i%len(owners)])
				i++
			}
		})
	})
}

// BenchmarkCacheMemory says how much memory a cached key takes.
func BenchmarkCacheMemory(b *testing.B) {
	const n = 20_000
	for b.Loop() {
		f := newFixture(b, keys.RingConfig{CacheSize: n})
		owners := make([]string, n)
		for i := range owners {
			owners[i] = fmt.Sprintf("person/0192f3c1-7a00-7000-8000-%012d", i)
		}
		wrapped := f.MustNew(b, owners...)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		f.Unwrap(b.Context(), wrapped)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/key")
		runtime.KeepAlive(f)
	}
}
