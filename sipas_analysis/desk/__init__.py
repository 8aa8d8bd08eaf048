"""What a person touches in JupyterLab: the working folder of notebooks, the page that leads."""
