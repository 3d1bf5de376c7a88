// ChatAgent
