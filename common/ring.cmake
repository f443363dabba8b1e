# The ring: the public reader library (shared and static) and, for ringcast's own processes, writer and creation.
