"""What people look at: one module per figure, each a function from plain data to a matplotlib Figure.

`style` is the look they share, `score_cells` the table that the heatmap and the radar read, `run_files` the
options of the scripts. Nothing here uses pyplot, so no window system and no global state is needed.
"""
