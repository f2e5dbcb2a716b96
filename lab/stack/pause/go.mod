module github.com/nodeprep/nodeprep/lab/stack/pause

go 1.26.0
