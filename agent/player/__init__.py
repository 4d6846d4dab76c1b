"""The sound child process: decodes with libVLC, plays with PortAudio, knows nothing of schedules."""
