"""The workflows of .github/, read and checked."""
