print("carryon")
