// TurnHost
