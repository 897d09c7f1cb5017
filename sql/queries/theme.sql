-- Which themes can be shown, and how sure is each label? Words narrow it down, as in theme('oil and gas').
from theme('');
