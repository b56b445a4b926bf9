"""HTTP: parses requests, calls the layers below, encodes their answers. No arithmetic and no SQL."""
