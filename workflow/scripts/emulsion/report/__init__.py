"""What people take away: recommendations in words and as data, and the mixture in other projects' terms."""
