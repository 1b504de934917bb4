package guard

// ContentOf is what tells a request from others.
func ContentOf(request any) ([]string, error) { return contentOf(request) }
