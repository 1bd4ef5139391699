module sluice/serve

go 1.26
