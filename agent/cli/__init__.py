"""`stationctl`: what the technician sees and asks. Shows what the agent says; decides nothing."""
