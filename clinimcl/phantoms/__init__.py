"""Generated cohorts in the cohorts' own layouts, and the truth about them."""
