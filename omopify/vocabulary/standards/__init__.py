"""What trials agree on: tumour types, biomarkers, and how gene variants are named."""
