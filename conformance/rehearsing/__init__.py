"""What a run will cost: it is rehearsed, against answers made up here and in time that is made up, too."""
