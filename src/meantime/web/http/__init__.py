"""HTTP for both APIs: what a request is, which endpoint answers it, and how the answer is sent."""
