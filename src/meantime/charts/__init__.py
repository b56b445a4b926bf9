"""Table to Vega-Lite specification."""
