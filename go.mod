module github.com/nodeprep/nodeprep

go 1.26.8
