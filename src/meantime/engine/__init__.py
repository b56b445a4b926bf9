"""The life of a job: accepted, queued, worked on, ended. Knows neither HTTP nor statistics."""
