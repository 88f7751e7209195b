"""The rules of permits: values in, values out."""
