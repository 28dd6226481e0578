"""What the program is worth, measured: accuracy, false alarms, real data, speed."""
