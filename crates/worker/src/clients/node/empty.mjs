// Imported while there is no function yet: the first import of a process sets up the whole module loader.
