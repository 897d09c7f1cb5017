-- What a part of the similarity by stack is called among reasons.
create macro part_name(part) as case part
    when 'any_pair' then 'any two companies'
    when 'passages' then 'same themes'
    when 'tokens' then 'same latents of tokens'
    when 'words' then 'same words'
    when 'sic4' then 'same SIC-4'
    when 'sic3' then 'same SIC-3'
    when 'major_group' then 'same major group'
    when 'past' then 'moved together before'
    else part
end;
