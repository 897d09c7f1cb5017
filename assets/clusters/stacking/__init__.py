"""Stack: several similarities added up to the correlation that they foretell, with weights fitted on earlier months."""
