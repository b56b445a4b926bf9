"""Files in object storage that speaks S3's protocol: looked for, fetched and kept. It needs the extra "object"."""
