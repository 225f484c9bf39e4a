"""The tests of podshop; CONTRIBUTING.md says what each folder holds."""
