"""Methods of naming peers, one file each; `registry` lists them."""
