"""Projects, their code and their valohai.yaml."""
