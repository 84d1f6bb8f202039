"""Programs that make files which the package ships. The package never imports them."""
