"""Turns views into pages that people watch: the live dashboard, made with Streamlit."""
