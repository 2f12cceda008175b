"""What is said of two versions of a definition: how they differ, whether a run can go from one to the other, how they
are merged. Works on documents as written, so on drafts too. Nothing here is stored."""
