"""Files written whole, tables, drawing."""
