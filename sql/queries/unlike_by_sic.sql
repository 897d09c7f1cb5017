-- Which nearest peers are in another SIC major group? Here the latents and the SIC code disagree.
select own.ticker, own.name, own.sic, peer.ticker as peer, peer.name as peer_name, peer.sic as peer_sic, near.similarity
from neighbours as near
join latest_as_of using (as_of)
join company_directory as own on near.company_id = own.company_id
join company_directory as peer on near.peer_id = peer.company_id
where near.method = 'sae' and near.rank = 1 and own.major_group <> peer.major_group
order by near.similarity desc, own.ticker;
